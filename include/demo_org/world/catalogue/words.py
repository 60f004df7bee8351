"""Invented names, places and job words; nobody's in particular."""

from __future__ import annotations

_FIRST = """
Ada Aiko Alba Alma Amir Anders Anika Anna Anouk Ansel Aria Arjun Asha Astrid Bela Ben Bianca Bo Bruno
Camille Carla Chidi Clara Dario Dalia Diego Dora Edda Elif Elias Emil Enzo Esra Eva Fatima Felix Finn Freya
Gaia Gustav Hana Hassan Hedda Hugo Ida Igor Ilse Imani Ines Ingrid Iris Isak Ivo Jakob Jana Jelena Jonas
Juna Kai Karim Katja Kenji Kofi Lara Leif Lena Leo Liam Lina Lotte Luca Maja Malik Mara Marek Mateo Mei Mika
Milan Mina Mira Nadia Naoki Nell Nia Nils Nora Odin Olga Omar Otto Pavel Pia Priya Quinn Rafi Ravi Remy Rosa
Ruben Runa Sami Sana Selma Signe Stella Sven Tariq Tessa Theo Tilda Tomas Uma Valerie Vera Viktor Wanda
Xavier Yara Yusuf Zara Zeno Zoe
"""
_LAST = """
Abbott Adler Almeida Anand Arnesen Baker Bauer Bell Berg Bianchi Blanc Bloom Brandt Brook Carter Castro Chen
Costa Dahl Danner Diaz Dietrich Dubois Duarte Eklund Ellis Engel Farkas Faust Ferrari Fischer Flores Forster
Fraser Fuchs Gallo Garcia Gomes Graf Grant Haas Hahn Hansen Hart Hayashi Heller Herrera Holm Horvat Hughes
Ibarra Inoue Ivanova Jansen Jensen Kaiser Kaur Keller Kim Klein Koch Kovacs Kraus Kumar Lambert Lang Larsen
Lehmann Lindqvist Lopez Lund Maier Marsh Martin Mehta Meyer Moreau Mori Moss Nagy Nakamura Neumann Nguyen
Noor Novak Obi Okafor Olsen Ortega Osei Park Patel Pereira Petrov Pohl Popov Quist Rahman Ramos Reyes
Richter Rossi Roth Ruiz Sanchez Sato Schmitt Seidel Shaw Silva Singh Sokolov Sommer Stein Stone Suzuki
Takahashi Tanaka Thorne Torres Turner Urban Vargas Vidal Vogel Voss Wagner Walsh Weber West Winter Wolf Wong
Yamada Yilmaz Young Zeller Zimmer
"""

FIRST_NAMES: tuple[str, ...] = (
    *_FIRST.split(),
    "Jos\u00e9",
    "Zo\u00eb",
    "J\u00f6rg",
    "\u0141ukasz",
    "S\u00f8ren",
    "Chlo\u00e9",
)
LAST_NAMES: tuple[str, ...] = (
    *_LAST.split(),
    "O'Brien",
    "M\u00fcller",
    "Gar\u00e7on",
    "\u00c5str\u00f6m",
    "van der Berg",
    "D'Angelo-Smith",
    "\u674e",
    "\u041f\u0435\u0442\u0440\u043e\u0432\u0430",
)

DEPARTMENTS = (
    "Sales",
    "Service",
    "Marketing",
    "Finance",
    "Legal",
    "Human Resources",
    "Operations",
    "Research & Development",
    "IT",
    "Procurement",
)
DIVISIONS = ("EMEA", "Americas", "APAC", "Global Functions")
TITLES = (
    "Account Executive",
    "Account Manager",
    "Analyst",
    "Business Partner",
    "Consultant",
    "Director",
    "Engineer",
    "Head of Sales, DACH",
    "Inside Sales",
    "Manager",
    "Planner",
    "Senior Specialist",
    "Service Agent",
    "Specialist",
    "Team Lead",
    "Vice President",
)

PLACES: tuple[tuple[str, str, str, str, str, str, str, str, str, str], ...] = (
    ("Hauptstr.", "Berlin", "Berlin", "10115", "Germany", "BE", "DE", "Europe/Berlin", "de_DE", "de"),
    ("Marktplatz", "M\u00fcnchen", "Bayern", "80331", "Germany", "BY", "DE", "Europe/Berlin", "de_DE", "de"),
    ("Station Road", "London", "", "EC1A 1BB", "United Kingdom", "", "GB", "Europe/London", "en_GB", "en_US"),
    ("Rue du Port", "Lyon", "", "69002", "France", "", "FR", "Europe/Paris", "fr_FR", "fr"),
    ("Calle Mayor", "Madrid", "Madrid", "28013", "Spain", "M", "ES", "Europe/Madrid", "es_ES", "es"),
    ("Via Roma", "Torino", "Torino", "10121", "Italy", "TO", "IT", "Europe/Berlin", "it_IT", "it"),
    ("Ulica Polna", "Krak\u00f3w", "", "30-001", "Poland", "", "PL", "Europe/Warsaw", "pl_PL", "en_US"),
    (
        "Lake Street",
        "Chicago",
        "Illinois",
        "60601",
        "United States",
        "IL",
        "US",
        "America/Chicago",
        "en_US",
        "en_US",
    ),
    (
        "Main Street",
        "Boston",
        "Massachusetts",
        "02108",
        "United States",
        "MA",
        "US",
        "America/New_York",
        "en_US",
        "en_US",
    ),
    (
        "Mission Street",
        "Oakland",
        "California",
        "94607",
        "United States",
        "CA",
        "US",
        "America/Los_Angeles",
        "en_US",
        "en_US",
    ),
    ("Sakura-dori", "Nagoya", "Aichi", "450-0002", "Japan", "23", "JP", "Asia/Tokyo", "ja_JP", "ja"),
    ("MG Road", "Bengaluru", "Karnataka", "560001", "India", "KA", "IN", "Asia/Kolkata", "en_IN", "en_US"),
    (
        "Rua Augusta",
        "S\u00e3o Paulo",
        "S\u00e3o Paulo",
        "01304-000",
        "Brazil",
        "SP",
        "BR",
        "America/Sao_Paulo",
        "en_US",
        "pt_BR",
    ),
)
"""Street, city, state, zip, country, state code, country code, time zone, locale, language; "" is null."""

NASTY: tuple[str, ...] = (
    'He said "hi", twice',
    "first line\nsecond line",
    "first line\r\nsecond line\r\n",
    "comma, semicolon; tab\there",
    "\U0001f680 Rocket \U0001f469\u200d\U0001f4bb desk",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd mixed",
    "Zalgo e\u0301\u0323 n\u0303 combining",
    "NA",
    "NULL",
    "null",
    "None",
    "NaN",
    "  leading and trailing  ",
    '""',
    '"',
    "00042",
    "=SUM(A1:A9)",
    "1e5",
    "true",
    "2024-02-30",
    "<b>bold</b> & 'quoted'",
    "back\\slash \\n not a newline",
    "\u00a0nbsp\u2028line separator",
    "\ufeffbyte order mark",
)
"""Texts that break careless readers of CSV and JSON; none is null, whatever it looks like."""

NASTY_NUMBERS: tuple[str, ...] = ("007", "00042", "NA", "NULL", "1e5", "0x1F", "12,5", "-0", " 17 ")
"""Employee numbers that are text, whatever they look like."""
