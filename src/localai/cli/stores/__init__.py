"""The store and the ways into it: fetched from a hub, carried in a bundle, promoted."""
