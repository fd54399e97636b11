"""The words of mail programs around a quote, in the languages of a Swedish desk's mail."""

# Labels of header blocks, by what they label
LABELS: dict[str, str] = {
    "from": (
        "från|fra|from|von|van|de|da|od|от|від|lähettäjä|saatja|expéditeur|avsändare|afsender|"
        "avsender|kimden|feladó|发件人|差出人"
    ),
    "sent": (
        "skickat|skickades|sent|sendt|gesendet|verzonden|envoyé|envoyée|enviado|enviado el|"
        "enviada em|inviato|wysłano|wysłane|lähetetty|saadetud|отправлено|надіслано|gönderildi|"
        "odesláno|发送时间|送信日時"
    ),
    "date": ("datum|date|dato|data|fecha|päivämäärä|päiväys|kuupäev|дата|日期|日付|tarih|dátum"),
    "to": (
        "till|til|to|an|aan|à|para|a|do|komu|vastaanottaja|kellele|кому|kime|címzett|收件人|宛先|"
        "mottagare|mottaker|modtager"
    ),
    "cc": ("kopia|kopi|cc|kopie|kopia till|kopio|dw|копия|копія|抄送|bcc|hemlig kopia|blindkopia"),
    "subject": (
        "ämne|ärende|emne|subject|betreff|betr|onderwerp|objet|asunto|assunto|oggetto|temat|"
        "předmět|aihe|teema|тема|konu|tárgy|主题|件名|rubrik"
    ),
    "other": (
        "svara till|reply-to|svar til|antwort an|répondre à|responder a|rispondi a|risposta|"
        "organisation|organization|prioritet|importance|vikt|bilagor|bifogade filer|attachments|"
        "message-id|resent-from|resent-to|sender"
    ),
}

# Verbs of attributions
WROTE = (
    "skrev|skriver|skreiv|wrote|writes|schrieb|schreef|geschreven|geschrieben|a écrit|écrit|"
    "escribió|escribio|ha escrito|escreveu|ha scritto|scritto|napisał|napisała|napisał(a)|"
    "pisze|kirjoitti|kirjutas|napsal|napsala|napsal(a)|napísal|yazdı|írta|a scris|skrifaði|"
    "написал|написала|написал(а)|пишет|написав|пише|写道|寫道|"
    "citerar|quoting|zitat von|citat från"
)
FOLLOWING = "följande|følgende|folgendes|the following|het volgende"
# … and what follows such a verb in a sentence that a person wrote
SENTENCE = "jag|vi|man|vi|ich|wir|je|nous|ut|upp|ner|till|att|hon|han|that|down|about|om|i|to"
SPEAKER = "jag|vi|man|i|we|ich|wir|je|nous"

ORIGINAL = (
    "ursprungligt meddelande|ursprungliga meddelandet|originalmeddelande|original message|"
    "original meddelelse|oprindelig meddelelse|opprinnelig melding|originalmelding|"
    "originalmeddelelse|ursprüngliche nachricht|originalnachricht|original-nachricht|"
    "ursprüngliche mail|oorspronkelijk bericht|message d'origine|message original|"
    "mensaje original|mensagem original|messaggio originale|alkuperäinen viesti|"
    "wiadomość oryginalna|původní zpráva|исходное сообщение|original email|original mail|"
    "ursprunglig avtalad tid|original appointment|"
    "originalmail|ursprungligt mejl|ursprungligt mail|ursprunglig e-post|reply message|"
    "svarsmeddelande"
)
FORWARDED = (
    "vidarebefordrat (?:meddelande|mejl|mail|brev|e-postmeddelande)|"
    "forwarded (?:message|mail|email|by.{0,80})|videresendt (?:melding|meddelelse|mail|e-post)|"
    "weitergeleitete nachricht|doorgestuurd bericht|message transf[ée]ré|mensaje reenviado|"
    "mensagem encaminhada|messaggio inoltrato|välitetty viesti|edelleenlähetetty viesti|"
    "przekazana wiadomość|пересланное сообщение|пересылаемое сообщение"
)
FORWARD_INTRO = (
    "begin forwarded message|start av vidarebefordrat meddelande|"
    "början på vidarebefordrat meddelande|start på videresendt (?:melding|meddelelse)|"
    "begynnelse på videresendt (?:melding|e-post)|anfang der weitergeleiteten nachricht|"
    "début du message (?:réexpédié|transféré)|begin doorgestuurd bericht|"
    "inizio messaggio inoltrato|inicio del mensaje reenviado|välitetty viesti alkaa"
)

# Footers: the verb, and the thing that the mail was sent from
SENT_FROM = (
    "skickat|skickades|sänt|sent|sendt|gesendet|envoyé|enviado|inviato|verzonden|verstuurd|"
    "wysłane|отправлено"
)
FROM_WHAT = (
    "från|via|med|from|with|by|fra|von|depuis|à partir de|desde|da|dal|met|vanaf|van|z|с|mit"
)
MY = "min|mitt|mina|en|ett|my|a|mon|mi|mio|meu|mijn|mojego|minun|meinem|meiner"
DEVICES = (
    "iphone|ipad|ipod|android|samsung|galaxy|outlook|gmail|yahoo|protonmail|proton mail|"
    "mail för windows|mail for windows|windows|blackberry|mobil|mobile|mobiltelefon|"
    "mobiltelefonen|telefon|phone|smartphone|surfplatta|tablet|huawei|xperia|sony|nokia|htc|"
    "oneplus|pixel|mailbox|airmail|spark|k-9|k9|bluemail|thunderbird|aol|fairphone|motorola|"
    "nexus|mail|e-post|device|enhet|cell|handy|mac|edison|icloud|tutanota|iphonesta|puhelimesta|puhelimestani"
)
GET_APP = "hämta|get|hent|skaffa|hanki|holen sie sich|télécharger|descarga|obtener"
APP_FOR = "för|for|til|pour|para|für|per|ios|android|voor"
