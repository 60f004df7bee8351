"""What the demo company has bought, who belongs to it, and the words its people are made of."""
