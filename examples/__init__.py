"""Programs that use Countersign's API, to read and to copy."""
