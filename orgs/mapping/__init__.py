"""The wizard "New organization": from a list of people, projects and departments to a part of the tree."""
