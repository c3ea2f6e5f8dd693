"""The fault run: a system under load whose parts are killed, frozen and cut off, and a watcher that misses nothing."""
