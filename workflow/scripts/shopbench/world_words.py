"""The words of the simulated shop: what it sells, in which words, in seven locales. Everything here is invented.

`world.py` makes products, queries and reviews of these tables. Standard library alone.
"""

from __future__ import annotations

from typing import NamedTuple

# Languages in the order of every tuple of translations below. Amazon's locales uk and us share English, es is Spanish, jp Japanese.
LANGUAGES = ("en", "de", "fr", "es", "it", "jp")
LANGUAGE_OF_LOCALE = {"us": "en", "uk": "en", "de": "de", "fr": "fr", "es": "es", "it": "it", "jp": "jp"}
LANGUAGE_NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "jp": "Japanese"}


class ProductType(NamedTuple):
    """What fixes a product: its type names the department, the attributes it can have, and what it is bought with.

    `names` follows LANGUAGES. `explanation` completes "A(n) <name> is ...". `special` is the attribute of SPECIAL_VALUES that this
    type has beside colour, material and size; `unit` is the unit of its size, a key of SIZES.
    """

    names: tuple[str, ...]
    department: str
    explanation: str
    special: str
    unit: str
    aspects: tuple[str, ...]
    complements: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]


def _type(names: str, department: str, explanation: str, special: str, unit: str, aspects: str, complements: str) -> ProductType:
    parts = tuple(name.strip() for name in names.split("|"))
    return ProductType(parts, department, explanation, special, unit, tuple(aspects.split(", ")), tuple(complements.split(", ")))


# fmt: off
TYPES: tuple[ProductType, ...] = (
    # Beauty
    _type("shampoo|Shampoo|shampooing|champú|shampoo|シャンプー",
          "beauty", "a liquid soap that cleans the hair and the scalp",
          "scent", "ml", "scent, price, quality, packaging", "conditioner, hair dryer"),
    _type("conditioner|Haarspülung|après-shampooing|acondicionador|balsamo|コンディショナー",
          "beauty", "a cream that leaves washed hair smooth and easy to comb",
          "scent", "ml", "scent, softness, price, packaging", "shampoo, hair dryer"),
    _type("lipstick|Lippenstift|rouge à lèvres|pintalabios|rossetto|口紅",
          "beauty", "a wax stick that colors and protects the lips",
          "finish", "g", "color, durability, price, packaging", "nail polish, face cream"),
    _type("hair dryer|Haartrockner|sèche-cheveux|secador|asciugacapelli|ドライヤー",
          "beauty", "an electric blower that dries wet hair with warm air",
          "power source", "W", "noise, weight, performance, price", "shampoo, conditioner"),
    _type("face cream|Gesichtscreme|crème visage|crema facial|crema viso|フェイスクリーム",
          "beauty", "a lotion that keeps the skin of the face moist",
          "skin type", "ml", "scent, softness, price, quality", "soap, lipstick"),
    _type("soap|Seife|savon|jabón|sapone|石鹸",
          "beauty", "a bar for washing the hands and the body with water",
          "scent", "g", "scent, softness, price, packaging", "face cream, shampoo"),
    _type("perfume|Parfüm|parfum|perfume|profumo|香水",
          "beauty", "a fragrant liquid that is sprayed on the skin to smell good",
          "scent", "ml", "scent, durability, price, packaging", "soap, lipstick"),
    _type("nail polish|Nagellack|vernis à ongles|esmalte|smalto|マニキュア",
          "beauty", "a lacquer that paints and hardens the fingernails",
          "finish", "ml", "color, durability, price, ease of use", "lipstick, perfume"),
    # Kitchen
    _type("kettle|Wasserkocher|bouilloire|hervidor|bollitore|ケトル",
          "kitchen", "a pot with a spout that boils water for tea and coffee",
          "power source", "l", "noise, performance, quality, design", "teapot, mug"),
    _type("teapot|Teekanne|théière|tetera|teiera|ティーポット",
          "kitchen", "a vessel with a handle in which tea leaves steep in hot water",
          "care instructions", "l", "design, size, quality, price", "kettle, mug"),
    _type("frying pan|Bratpfanne|poêle|sartén|padella|フライパン",
          "kitchen", "a flat pan with a long handle that fries food on a stove",
          "care instructions", "cm", "weight, ease of use, durability, quality", "knife, cutting board"),
    _type("knife|Messer|couteau|cuchillo|coltello|包丁",
          "kitchen", "a tool with a sharp blade that cuts meat and vegetables",
          "care instructions", "cm", "sharpness, grip, durability, price", "cutting board, frying pan"),
    _type("cutting board|Schneidebrett|planche à découper|tabla de cortar|tagliere|まな板",
          "kitchen", "a flat board on which food is cut to protect the table",
          "care instructions", "cm", "size, weight, durability, price", "knife, frying pan"),
    _type("mug|Tasse|tasse|taza|tazza|マグカップ",
          "kitchen", "a large cup with a handle for hot drinks",
          "care instructions", "ml", "design, size, price, packaging", "teapot, kettle"),
    _type("blender|Mixer|mixeur|batidora|frullatore|ミキサー",
          "kitchen", "a machine with spinning blades that turns fruit into smooth drinks",
          "power source", "W", "noise, performance, ease of use, price", "mug, cutting board"),
    _type("lunch box|Brotdose|boîte à déjeuner|fiambrera|portapranzo|弁当箱",
          "kitchen", "a small container that carries a meal to school or work",
          "closure type", "ml", "size, ease of use, durability, design", "water bottle, backpack"),
    # Electronics
    _type("headphones|Kopfhörer|casque|auriculares|cuffie|ヘッドホン",
          "electronics", "a pair of small speakers worn over the ears to hear music",
          "connectivity", "h", "sound, comfort, battery, price", "speaker, phone case"),
    _type("keyboard|Tastatur|clavier|teclado|tastiera|キーボード",
          "electronics", "a board of keys for typing text into a computer",
          "connectivity", "cm", "noise, comfort, design, price", "mouse pad, monitor stand"),
    _type("mouse pad|Mauspad|tapis de souris|alfombrilla|tappetino mouse|マウスパッド",
          "electronics", "a thin sheet on which a computer mouse glides",
          "care instructions", "cm", "size, grip, design, price", "keyboard, monitor stand"),
    _type("phone case|Handyhülle|coque|funda|custodia|スマホケース",
          "electronics", "a shell that protects a mobile phone from drops and scratches",
          "closure type", "cm", "fit, grip, design, durability", "charger, headphones"),
    _type("charger|Ladegerät|chargeur|cargador|caricatore|充電器",
          "electronics", "a plug that fills the battery of a phone with power",
          "connectivity", "W", "performance, size, durability, price", "phone case, speaker"),
    _type("speaker|Lautsprecher|enceinte|altavoz|altoparlante|スピーカー",
          "electronics", "a box that turns electric signals into loud sound",
          "connectivity", "W", "sound, battery, size, design", "headphones, charger"),
    _type("monitor stand|Monitorständer|support écran|soporte monitor|supporto monitor|モニター台",
          "electronics", "a small shelf that lifts a computer screen to the height of the eyes",
          "mounting type", "cm", "size, quality, design, ease of use", "keyboard, mouse pad"),
    _type("camera|Kamera|appareil photo|cámara|fotocamera|カメラ",
          "electronics", "a device with a lens that takes photos and videos",
          "connectivity", "MP", "performance, battery, weight, price", "charger, backpack"),
    # Clothing
    _type("shirt|Hemd|chemise|camisa|camicia|シャツ",
          "clothing", "a garment with sleeves and buttons for the upper body",
          "season", "EU", "fit, comfort, color, quality", "jacket, belt"),
    _type("jacket|Jacke|veste|chaqueta|giacca|ジャケット",
          "clothing", "a short coat that keeps the upper body warm outdoors",
          "season", "EU", "fit, warmth, quality, design", "scarf, hat"),
    _type("socks|Socken|chaussettes|calcetines|calzini|靴下",
          "clothing", "a pair of knitted covers for the feet worn inside shoes",
          "season", "EU", "comfort, warmth, fit, durability", "sandals, shirt"),
    _type("scarf|Schal|écharpe|bufanda|sciarpa|マフラー",
          "clothing", "a long piece of cloth worn around the neck for warmth",
          "season", "cm", "warmth, softness, color, price", "jacket, hat"),
    _type("belt|Gürtel|ceinture|cinturón|cintura|ベルト",
          "clothing", "a strap worn around the waist to hold up trousers",
          "closure type", "cm", "fit, quality, durability, price", "shirt, handbag"),
    _type("handbag|Handtasche|sac à main|bolso|borsa|ハンドバッグ",
          "clothing", "a bag with a short strap that carries personal items",
          "closure type", "cm", "size, design, quality, color", "scarf, belt"),
    _type("sandals|Sandalen|sandales|sandalias|sandali|サンダル",
          "clothing", "a pair of open shoes held by straps for warm days",
          "closure type", "EU", "comfort, fit, design, durability", "hat, socks"),
    _type("hat|Hut|chapeau|sombrero|cappello|帽子",
          "clothing", "a cover for the head that gives shade and warmth",
          "season", "cm", "fit, warmth, design, price", "scarf, sandals"),
    # Sports and outdoors
    _type("tent|Zelt|tente|tienda de campaña|tenda|テント",
          "outdoors", "a shelter of cloth and poles for sleeping in nature",
          "season", "P", "size, weight, ease of use, durability", "sleeping bag, flashlight"),
    _type("sleeping bag|Schlafsack|sac de couchage|saco de dormir|sacco a pelo|寝袋",
          "outdoors", "a padded bag in which a camper sleeps warm at night",
          "season", "cm", "warmth, comfort, weight, size", "tent, pillow"),
    _type("yoga mat|Yogamatte|tapis de yoga|esterilla|tappetino yoga|ヨガマット",
          "outdoors", "a soft mat on which one stretches and trains",
          "care instructions", "mm", "grip, comfort, smell, size", "water bottle, blanket"),
    _type("water bottle|Trinkflasche|gourde|botella|borraccia|水筒",
          "outdoors", "a bottle with a lid that carries drinking water on the way",
          "closure type", "ml", "size, ease of use, durability, design", "backpack, lunch box"),
    _type("backpack|Rucksack|sac à dos|mochila|zaino|リュック",
          "outdoors", "a bag with two straps that is carried on the back",
          "closure type", "l", "size, comfort, durability, design", "water bottle, lunch box"),
    _type("bicycle lock|Fahrradschloss|antivol|candado|lucchetto|自転車ロック",
          "outdoors", "a strong chain or bar that keeps a bicycle safe from thieves",
          "closure type", "mm", "weight, durability, ease of use, price", "helmet, flashlight"),
    _type("helmet|Helm|casque vélo|casco|casco bici|ヘルメット",
          "outdoors", "a hard hat that protects the head of a rider in a fall",
          "closure type", "cm", "fit, comfort, weight, design", "bicycle lock, backpack"),
    _type("flashlight|Taschenlampe|lampe torche|linterna|torcia|懐中電灯",
          "outdoors", "a small electric lamp held in the hand to see in the dark",
          "power source", "lm", "brightness, battery, weight, price", "tent, bicycle lock"),
    # Home
    _type("lamp|Lampe|lampe|lámpara|lampada|ランプ",
          "home", "a device that gives light to a room or a desk",
          "power source", "W", "brightness, design, size, price", "blanket, plant pot"),
    _type("pillow|Kissen|oreiller|almohada|cuscino|枕",
          "home", "a soft cushion that supports the head in bed",
          "care instructions", "cm", "comfort, softness, size, smell", "blanket, sleeping bag"),
    _type("blanket|Decke|couverture|manta|coperta|毛布",
          "home", "a large soft cloth that keeps a person warm in bed",
          "care instructions", "cm", "warmth, softness, size, color", "pillow, lamp"),
    _type("dog leash|Hundeleine|laisse|correa|guinzaglio|犬用リード",
          "home", "a strap by which a dog is led on a walk",
          "closure type", "cm", "grip, durability, weight, price", "pet bowl, flashlight"),
    _type("pet bowl|Futternapf|gamelle|comedero|ciotola|ペット皿",
          "home", "a dish from which a dog or a cat eats its food",
          "care instructions", "ml", "size, ease of use, durability, design", "dog leash, blanket"),
    _type("garden hose|Gartenschlauch|tuyau|manguera|tubo|ホース",
          "home", "a long tube that brings water to plants and lawns",
          "mounting type", "m", "weight, durability, ease of use, price", "plant pot, lamp"),
    _type("plant pot|Blumentopf|pot de fleurs|maceta|vaso|植木鉢",
          "home", "a container of soil in which flowers and herbs grow",
          "mounting type", "cm", "size, design, color, quality", "garden hose, lamp"),
    _type("puzzle|Puzzle|puzzle|rompecabezas|rompicapo|パズル",
          "home", "a game of many pieces that fit together to form a picture",
          "finish", "pcs", "fit, quality, design, price", "lamp, mug"),
)
# fmt: on
TYPE_BY_NAME = {kind.name: kind for kind in TYPES}
DEPARTMENT_TITLES = {
    "beauty": "Beauty & Personal Care",
    "kitchen": "Kitchen & Dining",
    "electronics": "Electronics",
    "clothing": "Clothing, Shoes & Jewelry",
    "outdoors": "Sports & Outdoors",
    "home": "Home, Pets & Garden",
}

# Values in LANGUAGES order.
COLORS = (
    ("red", "Rot", "rouge", "rojo", "rosso", "赤"),
    ("blue", "Blau", "bleu", "azul", "blu", "青"),
    ("green", "Grün", "vert", "verde", "verde", "緑"),
    ("black", "Schwarz", "noir", "negro", "nero", "黒"),
    ("white", "Weiß", "blanc", "blanco", "bianco", "白"),
    ("yellow", "Gelb", "jaune", "amarillo", "giallo", "黄色"),
    ("purple", "Lila", "violet", "morado", "viola", "紫"),
    ("gray", "Grau", "gris", "gris", "grigio", "グレー"),
)
MATERIALS_BY_DEPARTMENT = {
    "beauty": (
        ("organic", "Bio", "bio", "orgánico", "biologico", "オーガニック"),
        ("herbal", "Kräuter", "végétal", "herbal", "erbe", "ハーブ"),
        ("mineral", "Mineral", "minéral", "mineral", "minerale", "ミネラル"),
    ),
    "kitchen": (
        ("steel", "Stahl", "acier", "acero", "acciaio", "スチール"),
        ("glass", "Glas", "verre", "vidrio", "vetro", "ガラス"),
        ("ceramic", "Keramik", "céramique", "cerámica", "ceramica", "セラミック"),
    ),
    "electronics": (
        ("plastic", "Kunststoff", "plastique", "plástico", "plastica", "プラスチック"),
        ("aluminum", "Aluminium", "aluminium", "aluminio", "alluminio", "アルミ"),
        ("silicone", "Silikon", "silicone", "silicona", "silicone", "シリコン"),
    ),
    "clothing": (
        ("cotton", "Baumwolle", "coton", "algodón", "cotone", "コットン"),
        ("wool", "Wolle", "laine", "lana", "lana", "ウール"),
        ("leather", "Leder", "cuir", "cuero", "pelle", "レザー"),
    ),
    "outdoors": (
        ("nylon", "Nylon", "nylon", "nailon", "nylon", "ナイロン"),
        ("rubber", "Gummi", "caoutchouc", "goma", "gomma", "ゴム"),
        ("titanium", "Titan", "titane", "titanio", "titanio", "チタン"),
    ),
    "home": (
        ("bamboo", "Bambus", "bambou", "bambú", "bambù", "竹"),
        ("linen", "Leinen", "lin", "lino", "lino", "リネン"),
        ("wood", "Holz", "bois", "madera", "legno", "木製"),
    ),
}
ADJECTIVES = (
    ("compact", "Kompakt", "compact", "compacto", "compatto", "コンパクト"),
    ("large", "Groß", "grand", "grande", "grande", "大型"),
    ("modern", "Modern", "moderne", "moderno", "moderno", "モダン"),
    ("classic", "Klassisch", "classique", "clásico", "classico", "クラシック"),
    ("light", "Leicht", "léger", "ligero", "leggero", "軽量"),
    ("premium", "Premium", "premium", "premium", "premium", "プレミアム"),
    ("portable", "Tragbar", "portable", "portátil", "portatile", "携帯用"),
    ("simple", "Einfach", "simple", "sencillo", "semplice", "シンプル"),
)
# Sizes by unit; a size is written as the number and the unit in every language.
SIZES = {
    "ml": (200, 250, 350, 500),
    "g": (50, 75, 100, 150),
    "W": (20, 60, 500, 900),
    "l": (1, 2, 20, 30),
    "cm": (20, 24, 30, 60),
    "h": (12, 20, 30, 48),
    "MP": (12, 20, 24, 48),
    "EU": (38, 40, 42, 44),
    "P": (2, 3, 4, 6),
    "mm": (6, 8, 10, 15),
    "lm": (200, 400, 800, 1000),
    "m": (10, 15, 20, 25),
    "pcs": (100, 300, 500, 1000),
}
SPECIAL_VALUES = {
    "scent": ("lavender", "rose", "mint", "lemon"),
    "finish": ("matte", "glossy", "metallic", "satin"),
    "power source": ("battery", "corded electric", "solar", "rechargeable"),
    "skin type": ("dry", "oily", "sensitive", "normal"),
    "care instructions": ("dishwasher safe", "hand wash", "machine wash", "wipe clean"),
    "closure type": ("zipper", "button", "buckle", "snap"),
    "connectivity": ("bluetooth", "usb", "wireless", "wired"),
    "season": ("summer", "winter", "all seasons", "spring"),
    "mounting type": ("wall", "tabletop", "freestanding", "hanging"),
}
# Brands are shared by the types of one department, so a brand says something about the type.
BRANDS_BY_DEPARTMENT = {
    "beauty": ("Velora", "Mirelle", "Osanta", "Lunavie", "Pelluma", "Rosdan"),
    "kitchen": ("Brewick", "Casolo", "Tornella", "Hesta", "Kettmar", "Panovia"),
    "electronics": ("Zentrix", "Audova", "Nexorin", "Pixelar", "Voltamo", "Sonika"),
    "clothing": ("Marwen", "Tessaro", "Lindqua", "Arbello", "Norveste", "Fiorata"),
    "outdoors": ("Trekkon", "Altivor", "Campora", "Ridgen", "Summita", "Wandrel"),
    "home": ("Homelia", "Dormira", "Gartano", "Pawtica", "Luminor", "Casabri"),
}

# Review snippets of an aspect: `{aspect}` is its name. A reader can tell the sentiment from the words alone.
POSITIVE_SNIPPETS = ("the {aspect} is great", "love the {aspect}", "really good {aspect}", "the {aspect} is better than expected")
NEGATIVE_SNIPPETS = ("the {aspect} is awful", "hate the {aspect}", "really bad {aspect}", "the {aspect} is worse than expected")
# What reviewers say of one aspect alone, without naming it (positive, negative).
TYPICAL_SNIPPETS = {
    "scent": ("smells lovely", "smells like chemicals"),
    "price": ("great value for the money", "far too expensive"),
    "quality": ("very well made", "cheaply made"),
    "packaging": ("came in a beautiful box", "arrived wrapped to shreds"),
    "softness": ("feels so soft", "feels rough"),
    "color": ("the shade is gorgeous", "looks faded"),
    "durability": ("still going strong", "broke within days"),
    "noise": ("whisper quiet", "loud as a jet"),
    "weight": ("light to carry", "much too heavy"),
    "performance": ("does the job fast", "never does its job"),
    "ease of use": ("so simple to handle", "too complicated"),
    "design": ("looks beautiful", "looks ugly"),
    "size": ("roomy enough", "much too small"),
    "sharpness": ("cuts like butter", "dull from the start"),
    "grip": ("sits firmly in the hand", "slips all the time"),
    "sound": ("rich clear bass", "tinny and flat"),
    "comfort": ("super comfy", "hurts after an hour"),
    "battery": ("lasts all week", "dies by noon"),
    "fit": ("fits perfectly", "runs way too tight"),
    "warmth": ("keeps me cozy", "leaves me cold"),
    "smell": ("no odor at all", "stinks of rubber"),
    "brightness": ("lights up everything", "dim and useless"),
}
ASPECTS = tuple(TYPICAL_SNIPPETS)

# Headlines and closing sentences by rating 1-5: the rating follows the words.
REVIEW_TITLES = {
    1: ("Terrible", "Waste of money", "Awful, avoid"),
    2: ("Disappointing", "Not good", "Expected more"),
    3: ("It is okay", "Average", "Nothing special"),
    4: ("Good", "Quite nice", "Good with a small flaw"),
    5: ("Perfect", "Excellent", "Absolutely love it"),
}
REVIEW_VERDICTS = {
    1: ("I want my money back.", "It is terrible and went straight to the trash.", "This is the worst {type} I ever had."),
    2: ("I am disappointed and would not buy it again.", "It is below what I hoped for.", "It mostly fails, a poor {type}."),
    3: ("It is neither good nor bad.", "An average {type} for everyday use.", "It is okay, nothing more."),
    4: ("A good {type} with one small flaw.", "I am happy overall.", "Quite nice, almost what I wanted."),
    5: ("The best {type} I ever had.", "I would buy it again in a heartbeat.", "Absolutely perfect, I love it."),
}
# Chance of the ratings 1-5, skewed to 5 as real ones are; and how many of a review's aspects are praised.
RATING_SHARES = (0.16, 0.12, 0.15, 0.20, 0.37)
PRAISE_SHARE = {1: 0.0, 2: 0.2, 3: 0.5, 4: 0.8, 5: 1.0}
# Filler that says nothing on the product, with the odd Unicode of real reviews.
FILLERS = (
    "I bought it last month.",
    "It was a gift for my sister.",
    "Delivery took three days \u2014 fine.",
    "Ordered it on a whim \u2026 so here we are.",
    "My neighbor has the same one.",
    "I\u2019ve used it every day since.",
)

# Words around a product in descriptions, in LANGUAGES order.
PHRASES = {
    "for_home": ("Made for daily use at home.", "Für den täglichen Gebrauch zu Hause.", "Conçu pour un usage quotidien à la maison.",
                 "Hecho para el uso diario en casa.", "Fatto per l'uso quotidiano a casa.", "毎日の家庭での使用に。"),
    "gift": ("A fine gift.", "Ein schönes Geschenk.", "Un beau cadeau.", "Un buen regalo.", "Un bel regalo.", "素敵な贈り物。"),
    "material": ("material", "Material", "matière", "material", "materiale", "素材"),
    "color": ("color", "Farbe", "couleur", "color", "colore", "色"),
    "size": ("size", "Größe", "taille", "tamaño", "dimensione", "サイズ"),
    "brand": ("brand", "Marke", "marque", "marca", "marca", "ブランド"),
    "new": ("new", "Neu", "nouveau", "nuevo", "nuovo", "新品"),
    "cheap": ("cheap", "günstig", "pas cher", "barato", "economico", "安い"),
}  # fmt: skip

# Syllables of the words that only make a text longer: no word of the shop, so they answer no question and match no query.
SYLLABLES = tuple(
    start + end
    for start in ("ba", "be", "du", "fé", "go", "hi", "ka", "ku", "lo", "mi", "nü", "pa", "ro", "sé", "ti", "vo")
    for end in "lmrs"
)
KANA = tuple("あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわアイエオカキクケコサシスセソタテト")
