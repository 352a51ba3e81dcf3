"""What a headline says about a coin's fate: tone, negativity and events, from words alone. No Django, no network.

Version 1 of our lexicon stands on VADER (Hutto and Gilbert 2014), whose grammar of negation, degree and contrast is
general English, and whose word list is not ours to repeat: this package changes the words that mean something else
where coins are concerned, and adds those that are said there alone.
"""
