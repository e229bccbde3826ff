"""The operator's bank: statements are read, their lines are matched with payments, money is sent back."""
