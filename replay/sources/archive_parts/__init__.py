"""What a replay of an archive consists of: what is made for it, by whom, what comes out, and what is removed."""
