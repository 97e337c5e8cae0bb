# Tells which hook runs, again and again, as fast as it can. Nothing is answered, so nothing slows it down.
# expect: PLUGIN_DEADLINE
hear
say "$READY"
hear
while say "$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT$AT"; do :; done
