"""What the plugin does for Taurus's forms once their devices and values are there."""
