"""List the names, streets and places that the persons of the world are made of."""

FIRST = """
Anna Ben Clara David Emma Finn Greta Hannes Ida Jonas Katharina Lukas Marie Noah Olivia Paul
Ronja Simon Theresa Valentin Sophie Maximilian Charlotte Leon Mia Elias Lena Felix Johanna Jakob
Lea Julian Luisa Moritz Frieda Anton Mathilda Oskar Paula Emil Helena Karl Amelie Theo Nele
Henry Jörg Günter Björn Jürgen Käthe Sören Änne Götz Özlem Gülsüm Ümit Hüseyin Zoë André René
François Ayşe Mehmet Fatma Mustafa Elif Emre Zeynep Can Deniz Leyla Amir Yasmin Omar Layla
Hassan Samira Piotr Agnieszka Tomasz Katarzyna Marek Ewa Ivan Olga Sergej Natalja Dmitri Irina
Andrej Svetlana Giulia Marco Chiara Luca Francesca Matteo Sofia Alessandro Carmen Javier Lucía
Diego Isabel Miguel Wolfgang Ursula Dieter Monika Klaus Renate Werner Brigitte Manfred Helga
Horst Gisela Uwe Sabine Thomas Petra Michael Susanne Andreas Claudia Stefan Birgit Frank Martina
Peter Andrea Bernd Karin Christian Nicole Alexander Stefanie Daniel Melanie Sebastian Sandra Jan
Nadine Tobias Katrin Florian Christina Philipp Julia Dominik Sarah Fabian Lisa Marcel Laura
Patrick Vanessa Kevin Jessica
"""
FIRST_NAMES = tuple(FIRST.split())

LAST = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer
Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange
Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter
Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich
Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon
Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel
Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch
Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk
Aydın Arslan Doğan Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Ivanov Petrov Smirnov
Popov Rossi Ferrari Esposito Bianchi García Fernández Rodríguez López Martínez Haddad Khalil
Nasser Nguyen Tran Gruber Steiner Moser Pichler Egger Brunner Eder Hofer Leitner Reiter
Meier-Lang Bühler Zürcher Gerber Wyss Frei Suter Baumgartner Zbinden Aebischer Rüegg Lüthi
Sägesser Tanner Widmer Ammann Kälin
"""
LAST_NAMES = tuple(LAST.split())

STEMS = """
Haupt Bahnhof Schul Garten Berg Kirch Linden Wald Birken Mühlen Ring Post Ahorn Eichen Rosen
Wiesen Park Bach Feld Sonnen Burg Schloss Brunnen Kastanien Tannen Buchen Kapellen Markt
"""
STREETS = tuple(
    f"{stem}{ending}" for ending in ("straße", "weg", "gasse", "allee") for stem in STEMS.split()
)

# postal code, city, country, region, language, weight
TOWNS = """
10115,Berlin,DE,DE-BE,de,9
12043,Berlin,DE,DE-BE,de,8
20095,Hamburg,DE,DE-HH,de,7
22765,Hamburg,DE,DE-HH,de,5
80331,München,DE,DE-BY,de,6
81667,München,DE,DE-BY,de,5
50667,Köln,DE,DE-NW,de,6
60311,Frankfurt am Main,DE,DE-HE,de,5
70173,Stuttgart,DE,DE-BW,de,5
40213,Düsseldorf,DE,DE-NW,de,4
04109,Leipzig,DE,DE-SN,de,4
01067,Dresden,DE,DE-SN,de,4
44135,Dortmund,DE,DE-NW,de,3
45127,Essen,DE,DE-NW,de,3
28195,Bremen,DE,DE-HB,de,3
30159,Hannover,DE,DE-NI,de,3
90402,Nürnberg,DE,DE-BY,de,3
68159,Mannheim,DE,DE-BW,de,2
76131,Karlsruhe,DE,DE-BW,de,2
79098,Freiburg im Breisgau,DE,DE-BW,de,2
48143,Münster,DE,DE-NW,de,2
86150,Augsburg,DE,DE-BY,de,2
24103,Kiel,DE,DE-SH,de,1
23552,Lübeck,DE,DE-SH,de,1
99084,Erfurt,DE,DE-TH,de,1
39104,Magdeburg,DE,DE-ST,de,1
18055,Rostock,DE,DE-MV,de,1
66111,Saarbrücken,DE,DE-SL,de,1
55116,Mainz,DE,DE-RP,de,1
14467,Potsdam,DE,DE-BB,de,1
1010,Wien,AT,AT-9,de,4
1070,Wien,AT,AT-9,de,3
8010,Graz,AT,AT-6,de,2
4020,Linz,AT,AT-4,de,1
5020,Salzburg,AT,AT-5,de,1
6020,Innsbruck,AT,AT-7,de,1
8001,Zürich,CH,CH-ZH,de,3
4051,Basel,CH,CH-BS,de,1
3011,Bern,CH,CH-BE,de,1
1201,Genève,CH,CH-GE,fr,1
1003,Lausanne,CH,CH-VD,fr,1
"""
PLACES = tuple(tuple(row.split(",")) for row in TOWNS.split("\n")[1:-1])
COUNTRIES = ("DE", "AT", "CH")
CURRENCIES = ("EUR", "EUR", "CHF")
DIALLING_CODES = ("49", "43", "41")
# Ranges that the number plans accept and no network is known to use; lengths without the zero.
PHONE_RANGES = (("150", 8), ("666", 7), ("73", 7))

# Addresses under .example cannot exist (RFC 2606). Gmail allows no underscore in a name, and
# every gmail.com address of the world has one: its dot and plus rules apply, nobody owns it.
MAIL_DOMAINS = (
    "gmail.com",
    "postfach.example",
    "webmail.example",
    "mailbox.example",
    "freinetz.example",
)
MAIL_DOMAIN_WEIGHTS = (32, 24, 20, 14, 10)
MISTYPED_DOMAINS = (
    "gmial.com",
    "postfahc.example",
    "webmial.example",
    "mailbx.example",
    "freinez.example",
)

INDUSTRY_OF_TRADE = {
    "Tischlerei": "crafts",
    "Architekten": "architecture",
    "Praxis": "health",
    "Hotel": "hospitality",
    "Café": "gastronomy",
    "Kanzlei": "law",
    "Agentur": "advertising",
    "Handwerk": "crafts",
    "Verlag": "publishing",
}
TRADES = tuple(INDUSTRY_OF_TRADE)
INDUSTRIES = tuple(INDUSTRY_OF_TRADE.values())
JOB_TITLES = (
    "Owner",
    "Office manager",
    "Buyer",
    "Assistant",
    "Managing director",
    "Facility manager",
)

FOREIGN = "äöüÄÖÜßéëşŞçÇığíóńśáè"
PLAIN = "ae oe ue Ae Oe Ue ss e e s S c C i g i o n s a e"
TRANSLITERATIONS = str.maketrans(dict(zip(FOREIGN, PLAIN.split(), strict=True)))


def transliterated(name: str) -> str:
    """Write a name with the letters of ASCII, as forms and clerks do."""
    return name.translate(TRANSLITERATIONS)
