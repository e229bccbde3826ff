"""Programs of others that talk to Countersign: to read and to copy."""
