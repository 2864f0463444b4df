import click


@click.group("tpo")
def tpo():
    pass
