"""Notebooks in Colab, which opens those that stand on a branch at GitHub: `deploy.yml` writes this branch."""

from urllib.parse import quote

GITHUB = "https://github.com/"
BRANCH = "notebooks"  # the notebooks of the published site, each at its place in the site


def address(notebook: str, repository: str | None) -> str | None:
    """Where Colab opens a notebook of the site; None if the project's repository is not at GitHub.

    Examples:
        >>> address("nlp/dialogue/dialogue.ipynb", "https://github.com/owner/name/")
        'https://colab.research.google.com/github/owner/name/blob/notebooks/nlp/dialogue/dialogue.ipynb'
        >>> address("nlp/dialogue/dialogue.ipynb", None)
    """
    if not repository or not repository.startswith(GITHUB):
        return None
    name = repository.removeprefix(GITHUB).strip("/")
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{quote(notebook)}"
