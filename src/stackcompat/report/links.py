"""Where the texts of reports lead for more: to what lies beside them, to a site, or nowhere. Pure."""

from __future__ import annotations

from typing import NamedTuple

from stackcompat.report.site.page import LATEST

__all__ = ["BESIDE", "NOWHERE", "Links"]


class Links(NamedTuple):
    """Where the texts of one folder of reports can lead.

    Attributes:
        beside: Whether the page, the advisories and the pictures lie beside the texts.
        site: The address of a site of the table, for texts that have none of these beside them; empty: none is known.
    """

    beside: bool = True
    site: str = ""

    @property
    def place(self) -> str:
        """What has more than the texts, as the beginning of a sentence in Markdown."""
        if self.beside:
            return "The [page](index.html)"
        if self.site:
            return f"The [site]({self.address('', 'index.html')})"
        return "The site that `stackcompat site` writes"

    def address(self, beside: str, page: str) -> str:
        """An address; empty where there is nothing to lead to.

        Args:
            beside: The address in the folder of the texts.
            page: The file of the site, relative to an edition.
        """
        if self.beside:
            return beside
        return f"{self.site.rstrip('/')}/{LATEST}/{page}" if self.site else ""

    def link(self, words: str, beside: str, page: str) -> str:
        """`words` as a link in Markdown; without one where there is nothing to lead to.

        Args:
            words: What stands there.
            beside: As for :meth:`address`.
            page: As for :meth:`address`.
        """
        address = self.address(beside, page)
        return f"[{words}]({address})" if address else words


#: The links of texts that have all of it beside them.
BESIDE = Links()

#: Those of texts that have nothing beside them, and of whose site no address is known.
NOWHERE = Links(beside=False)
