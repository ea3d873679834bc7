"""Kafka beside the stream: topics made and checked, clients of two kinds from one configuration, rights, spans read without a group."""
