"""What administrators read in the set-up audit trail, in the languages an org may write it in."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "created": "Created new user {who}",
        "deactivated": "Deactivated user {who}",
        "activated": "Activated user {who}",
        "froze": "Froze user {who}",
        "unfroze": "Unfroze user {who}",
        "email": "Changed email address for user {who}",
        "profile": "Changed profile for user {who} from {was} to {will}",
        "role": "Changed role for user {who} from {was} to {will}",
        "license granted": "Permission set license {what}: assigned to user {who}",
        "license removed": "Permission set license {what}: unassigned from user {who}",
        "package granted": "Granted {what} package license to user {who}",
        "package revoked": "Revoked {what} package license from user {who}",
        "feature on": "Changed {what} checkbox for user {who} from off to on",
        "feature off": "Changed {what} checkbox for user {who} from on to off",
    },
    "de": {
        "created": "Neuer Benutzer {who} erstellt",
        "deactivated": "Benutzer {who} deaktiviert",
        "activated": "Benutzer {who} aktiviert",
        "froze": "Benutzeraccount von {who} eingefroren",
        "unfroze": "Einfrieren des Benutzeraccounts von {who} aufgehoben",
        "email": "E-Mail-Adresse von Benutzer {who} geändert",
        "profile": "Profil von Benutzer {who} von {was} in {will} geändert",
        "role": "Rolle von Benutzer {who} von {was} in {will} geändert",
        "license granted": "Berechtigungssatzlizenz {what}: Benutzer {who} zugewiesen",
        "license removed": "Berechtigungssatzlizenz {what}: von Benutzer {who} entfernt",
        "package granted": "Paketlizenz {what} an Benutzer {who} vergeben",
        "package revoked": "Paketlizenz {what} von Benutzer {who} widerrufen",
        "feature on": "Kontrollkästchen {what} für Benutzer {who} von aus in ein geändert",
        "feature off": "Kontrollkästchen {what} für Benutzer {who} von ein in aus geändert",
    },
    "fr": {
        "created": "Nouvel utilisateur {who} créé",
        "deactivated": "Utilisateur {who} désactivé",
        "activated": "Utilisateur {who} activé",
        "froze": "Compte de l'utilisateur {who} gelé",
        "unfroze": "Compte de l'utilisateur {who} dégelé",
        "email": "Adresse e-mail modifiée pour l'utilisateur {who}",
        "profile": "Profil de l'utilisateur {who} modifié de {was} en {will}",
        "role": "Rôle de l'utilisateur {who} modifié de {was} en {will}",
        "license granted": "Ensemble d'autorisations {what} : attribué à {who}",
        "license removed": "Ensemble d'autorisations {what} : retiré à {who}",
        "package granted": "Package {what} octroyé à l'utilisateur {who}",
        "package revoked": "Package {what} retiré à l'utilisateur {who}",
        "feature on": "Case {what} cochée pour l'utilisateur {who}",
        "feature off": "Case {what} décochée pour l'utilisateur {who}",
    },
    "ja": {
        "created": "新規ユーザ{who}を作成しました",
        "deactivated": "ユーザ{who}を無効化しました",
        "activated": "ユーザ{who}を有効化しました",
        "froze": "ユーザ{who}を凍結しました",
        "unfroze": "ユーザ{who}の凍結を解除しました",
        "email": "ユーザ{who}のメールを変更しました",
        "profile": "ユーザ{who}のプロファイルを{was}から{will}に変更しました",
        "role": "ユーザ{who}のロールを{was}から{will}に変更しました",
        "license granted": "権限セットライセンス{what}: {who}に割り当て",
        "license removed": "権限セットライセンス{what}: {who}から削除",
        "package granted": "パッケージライセンス{what}を{who}に付与",
        "package revoked": "パッケージライセンス{what}を{who}から取り消し",
        "feature on": "ユーザ{who}の{what}をオンに変更",
        "feature off": "ユーザ{who}の{what}をオフに変更",
    },
}
"""Language to what happened to its sentence: `who` is the user, `what` a license, `was` and `will` names."""

WITH_ID = frozenset({"deactivated", "activated", "license granted", "license removed"})
"""What newer releases of Salesforce write with the id of the user after the name."""
