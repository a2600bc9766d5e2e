"""Making a new mask template: from a picture, on a page, with its sheet of views."""
