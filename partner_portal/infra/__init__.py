"""How the portal touches the world: database, queue, mail, files, clock."""
