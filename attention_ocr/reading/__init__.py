"""Reading images with a trained or exported model."""
