"""From the tables of ``layout`` to matplotlib's Axes. Object interface only: no pyplot, no settings changed."""
