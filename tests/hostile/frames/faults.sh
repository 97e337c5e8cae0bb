# A worker that is ended by a fault of memory.
# expect: SIGSEGV
hear
say "$READY"
hear
kill -SEGV $$
sleep 1
