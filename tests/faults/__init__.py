"""What must hold when processes are killed: real web, worker, broker and database processes."""
