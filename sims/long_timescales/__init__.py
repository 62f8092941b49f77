"""Memory of recurrent spiking networks with trained time constants."""
