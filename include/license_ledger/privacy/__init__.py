"""What is done for the people in the data: erasing one, and making pseudonyms of those out of scope."""
