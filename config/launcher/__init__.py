"""`make run`: the whole product on one machine, from the migrations to the logins, stopped in order."""
