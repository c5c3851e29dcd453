"""The page of a series."""

import re
from html.parser import HTMLParser

from s2kit.chips.page import COLUMNS, Legend, PagePicture, Series, render_page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    tags = Tags()
    tags.feed(page)
    return tags


def a_page(**rest):
    pictures = [
        PagePicture(f"p {n}.png", f"2022011{n}T105331", f"S2A_{n}", f"1{n} Jan 2022", cloud_pct=n * 12.5)
        for n in range(9)
    ]
    return render_page([Series("Parcel 7 <barley> & co", ["1.5 E, 43.6 N"], pictures)], footer="credit", **rest)


def test_pictures_in_order_with_their_labels_below_the_place():
    tags = read(a_page())
    images = [attributes for tag, attributes in tags.tags if tag == "img"]
    assert [image["id"] for image in images] == [f"2022011{n}T105331" for n in range(9)]
    assert images[0]["src"] == "p%200.png"
    text = "".join(tags.text)
    assert text.index("Parcel 7 <barley> & co") < text.index("20220110T105331") < text.index("20220118T105331")
    assert "cloud 100 %" in text
    assert "clear" in text


def test_nothing_from_outside_and_no_script():
    page = a_page(legend=Legend("NDVI", [(165, 0, 38), (0, 104, 55)], ["0", "1"]))
    assert "http" not in page
    assert "<script" not in page
    assert "<barley>" not in page
    assert "linear-gradient(to right, rgb(165 0 38), rgb(0 104 55))" in page


def test_at_most_eight_columns_and_made_for_phones():
    page = a_page()
    assert COLUMNS == 8
    assert re.search(r"calc\(\(100% - 70px\) / 8\)", page)
    assert 'name="viewport"' in page


def test_the_outline_of_a_parcel_lies_over_the_picture():
    ring = ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75))
    page = render_page([Series("A", [], [PagePicture("a.png", "l", "t", outline=[ring])])], footer="f")
    assert 'd="M0.2500 0.2500 L0.7500 0.2500 L0.5000 0.7500Z"' in page


def test_many_places_and_what_is_lacking():
    empty = Series("Nowhere", [], [], notes=["no product shows this place"])
    page = render_page([Series("A", [], [PagePicture("a.png", "l", "t", valid_pct=40)]), empty], footer="f")
    assert "<title>Chips: 2 places</title>" in page
    assert "no product shows this place" in page
    assert "data 40 %" in page
