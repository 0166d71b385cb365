"""What ``leakhunt watch`` does besides drawing: looks, verdicts, snapshots, a command, files, metrics."""
