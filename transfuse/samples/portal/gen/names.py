"""Names, places and phone numbers of several cultures. All people are invented."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass


def words(text: str) -> list[str]:
    return text.split()


@dataclass(frozen=True)
class Culture:
    male: list[str]
    female: list[str]
    family: list[str]
    cities: list[tuple[str, str, str]]  # city, state, postcode pattern
    phone: str  # # = any digit
    streets: list[str]


CULTURES = {
    "us": Culture(
        words(
            "James William Robert John Michael David Richard Thomas Charles Daniel Matthew Anthony Mark Steven Andrew Joshua Kevin Brian George "
            "Edward Jason Ryan Jacob Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Jack "
            "Dennis Tyler Aaron Henry Adam Nathan Zachary Kyle Noah Ethan Jeremy Sean Liam Mason Logan Lucas Owen Caleb Isaac Dylan Hunter Wyatt"
        ),
        words(
            "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna "
            "Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Amy Kathleen Angela Shirley Brenda Emma Anna Pamela Nicole "
            "Samantha Katherine Christine Helen Rachel Carolyn Janet Maria Olivia Heather Diane Ruth Grace Ella Chloe Zoe Lily Hannah Ava Mia Sophie Ruby"
        ),
        words(
            "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore Jackson Martin Lee Thompson White Harris Clark Lewis "
            "Robinson Walker Young Allen King Wright Scott Hill Green Adams Nelson Baker Hall Campbell Mitchell Carter Roberts Phillips Evans Turner Parker "
            "Collins Edwards Stewart Morris Murphy Cook Rogers Morgan Cooper Peterson Bailey Reed Kelly Howard Ward Cox Richardson Watson Brooks Wood James "
            "Bennett Gray Hughes Price Myers Long Foster Sanders Ross Powell Sullivan Russell Jenkins Perry Butler Barnes Fisher O'Brien McDonald Van-Dyke"
        ),
        [
            ("Boston", "MA", "021##"),
            ("Dallas", "TX", "752##"),
            ("Newark", "NJ", "071##"),
            ("Seattle", "WA", "981##"),
            ("Chicago", "IL", "606##-####"),
        ],
        "(###) 555-01##",
        ["Main St", "Oak Ave", "Maple Dr", "2nd St", "Washington Blvd", "Park Rd"],
    ),
    "latin": Culture(
        words("José Juan Luis Carlos Jesús Ángel Andrés Raúl Óscar Iván Martín Sebastián João Antônio"),
        words("María Sofía Lucía Inés Begoña Ximena Zoë Conceição Mónica Andrea Belén Verónica"),
        words(
            "García Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Núñez Muñoz Ibáñez Gonçalves Araújo Peña"
        ),
        [("Miami", "FL", "331##"), ("San Antonio", "TX", "782##"), ("Los Angeles", "CA", "900##")],
        "+1 ###-555-01##",
        ["Calle Ocho", "Alamo St", "Sunset Blvd"],
    ),
    "europe": Culture(
        words("Jürgen Łukasz Søren Björn François Çağlar Zoltán Jiří Šimon Γιώργος Дмитрий Андрей"),
        words("Zoë Małgorzata Åsa Brigitte Hélène Ayşe Ágnes Žaneta Ελένη Наталья Юлия"),
        words("Müller Wójcik Sørensen Lindström Lefèvre Yılmaz Szabó Dvořák Novák Παπαδόπουλος Иванова Кузнецова Weiß"),
        [("München", "", "80###"), ("Kraków", "", "30-###"), ("Århus", "", "80##")],
        "+49 89 #######",
        ["Bahnhofstraße", "ul. Długa", "Nørregade"],
    ),
    "india": Culture(
        words("Rahul Amit Arjun Vikram Sanjay Rohan Aditya Karthik Suresh Manoj राहुल अमित அருண்"),
        words("Priya Anjali Divya Kavya Lakshmi Meera Pooja Sunita Deepika Nisha प्रिया अंजलि மீரா"),
        words("Sharma Patel Singh Kumar Gupta Reddy Iyer Nair Desai Joshi Mehta Rao शर्मा पटेल சுப்பிரமணியம்"),
        [
            ("Mumbai", "Maharashtra", "4000##"),
            ("Bengaluru", "Karnataka", "5600##"),
            ("Chennai", "Tamil Nadu", "6000##"),
        ],
        "+91 98### #####",
        ["MG Road", "Linking Road", "Anna Salai"],
    ),
    "japan": Culture(
        words("太郎 健一 翔太 大輔 拓也 蓮 悠斗 ケンジ"),
        words("花子 美咲 陽菜 さくら 由美子 結衣 葵 ユミ"),
        words("佐藤 鈴木 高橋 田中 渡辺 伊藤 山本 中村 小林 加藤 斎藤 齋藤"),
        [("東京都港区", "東京都", "105-00##"), ("大阪市", "大阪府", "530-00##"), ("Yokohama", "Kanagawa", "220-00##")],
        "+81 3-####-####",
        ["芝公園4丁目", "梅田1丁目", "Minato Mirai"],
    ),
    "thailand": Culture(
        words("สมชาย วิชัย ธนา Somchai Anan Prasert"),
        words("สมหญิง มาลี อรทัย Malee Siriporn Kanya"),
        words("ใจดี ศรีสุข Chaiyasit Wongsakul Rattanakosin ทองดี"),
        [("Bangkok", "", "10###"), ("เชียงใหม่", "", "50###")],
        "+66 2 ### ####",
        ["Sukhumvit Rd", "ถนนสีลม"],
    ),
}
ROMAJI = {
    "太郎": "Taro",
    "健一": "Kenichi",
    "翔太": "Shota",
    "大輔": "Daisuke",
    "拓也": "Takuya",
    "蓮": "Ren",
    "悠斗": "Yuto",
    "ケンジ": "Kenji",
    "花子": "Hanako",
    "美咲": "Misaki",
    "陽菜": "Hina",
    "さくら": "Sakura",
    "由美子": "Yumiko",
    "結衣": "Yui",
    "葵": "Aoi",
    "ユミ": "Yumi",
    "佐藤": "Sato",
    "鈴木": "Suzuki",
    "高橋": "Takahashi",
    "田中": "Tanaka",
    "渡辺": "Watanabe",
    "伊藤": "Ito",
    "山本": "Yamamoto",
    "中村": "Nakamura",
    "小林": "Kobayashi",
    "加藤": "Kato",
    "斎藤": "Saito",
    "齋藤": "Saito",
}
NICKNAMES = {
    "William": "Bill",
    "Robert": "Bob",
    "James": "Jim",
    "Michael": "Mike",
    "Elizabeth": "Liz",
    "Jennifer": "Jenny",
    "Katherine": "Kate",
    "Thomas": "Tom",
    "Richard": "Dick",
    "Margaret": "Peggy",
    "Patricia": "Pat",
    "Alexander": "Alex",
    "Benjamin": "Ben",
    "Samantha": "Sam",
}


def fill(rng: random.Random, pattern: str) -> str:
    return "".join(rng.choice("0123456789") if c == "#" else c for c in pattern)


def phone(rng: random.Random, culture: str) -> str:
    pattern = CULTURES[culture].phone  # in America: 555-01##, the range reserved for fiction
    return fill(
        rng, pattern.replace("###)", f"{rng.randint(201, 989)})").replace("+1 ###", f"+1 {rng.randint(201, 989)}")
    )


def place(rng: random.Random, culture: str) -> tuple[str, str, str, str]:
    """Address, city, state, postcode."""
    c = CULTURES[culture]
    city, state, postcode = rng.choice(c.cities)
    return f"{rng.randint(1, 1999)} {rng.choice(c.streets)}", city, state, fill(rng, postcode)


def plain(text: str) -> str:
    """Without diacritics: José -> Jose."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def ascii_word(text: str, other: str) -> str:
    word = "".join(c for c in plain(ROMAJI.get(text, text)).lower() if c.isascii() and c.isalnum())
    return word or other
