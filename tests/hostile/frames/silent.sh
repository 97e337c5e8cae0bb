# A worker that never says a word.
# expect: at load: PLUGIN_DEADLINE
sleep 60
