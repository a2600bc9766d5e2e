"""Where results go: text, pictures, video files, a window, a page."""
