"""What runs the tests: installs what they need, starts the servers, says what was skipped."""
