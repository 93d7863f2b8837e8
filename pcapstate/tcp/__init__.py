"""What TCP is: the state machine, sequence numbers, the habits of real stacks. Knows no file and no table."""
