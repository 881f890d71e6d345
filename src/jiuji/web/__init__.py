"""The frame around every screen: navigation, search, components. No rules live here."""
