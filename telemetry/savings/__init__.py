"""What a month paid for and need not have; what a call, a task and an answer cost; odd days."""
