"""What the shell puts into its own navigation."""

from governance.home.registries import NavigationItem, navigation

navigation.add("home", NavigationItem("Work", "My work", "home:index", "house", order=10))
navigation.add("help", NavigationItem("People", "Help", "home:help", "book-open", order=90))
