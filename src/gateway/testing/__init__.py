"""What tests of the house and of outside providers build on; ships in the wheel."""
