"""What stands before a face besides a mask: confusers, accessories, hands, people."""
