"""What happens in and around a trial's own process; standard library only, as users' scripts import it."""
