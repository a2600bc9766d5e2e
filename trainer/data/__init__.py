"""Readers of dataset folders and COCO files, loaders, augmentation."""
