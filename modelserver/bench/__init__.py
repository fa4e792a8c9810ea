"""What the server does under load, on whatever device it finds."""
