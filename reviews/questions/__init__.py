"""What reviewers ask the requester or the owner of a held answer, while its clock stands still."""
