"""How results show themselves: tables, pictures in the page's colours, HTML, one file a kind."""
