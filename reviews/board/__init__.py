"""The lead's board: will we hold the SLA, who has what, and who should have it instead?"""
