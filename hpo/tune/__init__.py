"""The translation of a sweep into Ray Tune's objects; nothing is run here."""
