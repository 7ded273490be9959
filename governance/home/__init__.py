"""The shell: navigation, my work, notifications, help."""
