"""What the pipeline's programs share. Importing this package loads nothing heavy."""
