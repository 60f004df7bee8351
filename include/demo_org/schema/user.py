"""The `User` object: the people, their status and the feature licenses they hold."""

from __future__ import annotations

from typing import Any

from demo_org.schema.definitions import ChildRelationship, FieldDef
from demo_org.schema.notation import (
    address,
    audit,
    choice,
    day,
    email,
    flag,
    identifier,
    long_text,
    moment,
    phone,
    plain_flag,
    reference,
    text,
    url,
    viewed,
    whole,
)
from demo_org.schema.objects import ObjectDef

LOCALES = (
    "de_AT",
    "de_CH",
    "de_DE",
    "en_GB",
    "en_IN",
    "en_US",
    "es_ES",
    "fr_FR",
    "it_IT",
    "ja_JP",
    "nl_NL",
    "pl_PL",
)
TIME_ZONES = (
    "America/Chicago",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Warsaw",
    "GMT",
)
LANGUAGES = (
    "en_US",
    "de",
    "es",
    "fr",
    "it",
    "ja",
    "sv",
    "ko",
    "zh_TW",
    "zh_CN",
    "pt_BR",
    "nl_NL",
    "da",
    "th",
    "fi",
    "ru",
)
ENCODINGS = ("UTF-8", "ISO-8859-1", "Shift_JIS", "ISO-2022-JP", "EUC-JP", "ks_c_5601-1987", "Big5", "GB2312")
USER_TYPES = (
    "Standard",
    "PowerPartner",
    "CSPLitePortal",
    "CustomerSuccess",
    "PowerCustomerSuccess",
    "CsnOnly",
    "Guest",
)
DIGESTS = ("D", "W", "N")
GROUP_DIGESTS = ("P", "D", "W", "N")

FEATURES: dict[str, str] = {
    "MarketingUser": "Marketing User",
    "OfflineUser": "Offline User",
    "SFContentUser": "Salesforce CRM Content User",
    "KnowledgeUser": "Knowledge User",
    "InteractionUser": "Flow User",
    "SupportUser": "Service Cloud User",
    "LiveAgentUser": "Chat User",
    "ChatterAnswersUser": "Chatter Answers User",
    "JigsawProspectingUser": "Data.com User",
    "SiteforceContributorUser": "Site.com Contributor User",
    "SiteforcePublisherUser": "Site.com Publisher User",
    "WirelessUser": "Wireless User",
    "WorkDotComUserFeature": "WDC User",
    "MobileUser": "Apex Mobile User",
    "AvantgoUser": "AvantGo User",
}
"""
Feature license to its label. Each is a check box `UserPermissions<name>` on User, which exists only where the
org has the feature named `FeatureLicense.<name>`.
"""

_PREFERENCES = """
ActivityRemindersPopup EventRemindersCheckboxDefault TaskRemindersCheckboxDefault ReminderSoundOff
DisableAllFeedsEmail DisableFollowersEmail DisableProfilePostEmail DisableChangeCommentEmail
DisableLaterCommentEmail DisProfPostCommentEmail ContentNoEmail ContentEmailAsAndWhen
ApexPagesDeveloperMode ReceiveNoNotificationsAsApprover ReceiveNotificationsAsDelegatedApprover
HideCSNGetChatterMobileTask DisableMentionsPostEmail DisMentionsCommentEmail HideCSNDesktopTask
HideChatterOnboardingSplash HideSecondChatterOnboardingSplash DisCommentAfterLikeEmail DisableLikeEmail
SortFeedByComment DisableMessageEmail JigsawListUser DisableBookmarkEmail DisableSharePostEmail
EnableAutoSubForFeeds DisableFileShareNotificationsForApi ShowTitleToExternalUsers
ShowManagerToExternalUsers ShowEmailToExternalUsers ShowWorkPhoneToExternalUsers
ShowMobilePhoneToExternalUsers ShowFaxToExternalUsers ShowStreetAddressToExternalUsers
ShowCityToExternalUsers ShowStateToExternalUsers ShowPostalCodeToExternalUsers ShowCountryToExternalUsers
ShowProfilePicToGuestUsers ShowTitleToGuestUsers ShowCityToGuestUsers ShowStateToGuestUsers
ShowPostalCodeToGuestUsers ShowCountryToGuestUsers ShowForecastingChangeSignals
LiveAgentMiawSetupDeflection HideS1BrowserUI DisableEndorsementEmail PathAssistantCollapsed
CacheDiagnostics ShowEmailToGuestUsers ShowManagerToGuestUsers ShowWorkPhoneToGuestUsers
ShowMobilePhoneToGuestUsers ShowFaxToGuestUsers ShowStreetAddressToGuestUsers LightningExperiencePreferred
PreviewLightning HideEndUserOnboardingAssistantModal HideLightningMigrationModal HideSfxWelcomeMat
HideBiggerPhotoCallout GlobalNavBarWTShown GlobalNavGridMenuWTShown CreateLEXAppsWTShown FavoritesWTShown
RecordHomeSectionCollapseWTShown RecordHomeReservedWTShown FavoritesShowTopFavorites
ExcludeMailAppAttachments SuppressTaskSFXReminders SuppressEventSFXReminders PreviewCustomTheme
HasCelebrationBadge UserDebugModePref SRHOverrideActivities NewLightningReportRunPageEnabled
ReverseOpenActivitiesView ShowTerritoryTimeZoneShifts HasSentWarningEmail HasSentWarningEmail238
HasSentWarningEmail240 NativeEmailClient ShowForecastingRoundedAmounts
"""

PREFERENCES: tuple[str, ...] = tuple(_PREFERENCES.split())


def _names() -> list[FieldDef]:
    part: dict[str, Any] = {"createable": True, "updateable": True, "compound": "Name"}
    write: dict[str, Any] = {"createable": True, "updateable": True}
    return [
        identifier(),
        text("Username", 80, nillable=False, unique=True, id_lookup=True, **write),
        text("LastName", 80, nillable=False, **part),
        text("FirstName", 40, **part),
        text("MiddleName", 40, permission="MiddleNames", **part),
        text("Suffix", 40, permission="NameSuffixes", **part),
        text("Name", 121, label="Full Name", nillable=False, name_field=True),
        text("CompanyName", 80, **write),
        text("Division", 80, **write),
        text("Department", 80, **write),
        text("Title", 80, **write),
        *address(),
    ]


def _contact() -> list[FieldDef]:
    write: dict[str, Any] = {"createable": True, "updateable": True}
    return [
        email("Email", 128, nillable=False, id_lookup=True, **write),
        plain_flag("EmailPreferencesAutoBcc"),
        plain_flag("EmailPreferencesAutoBccStayInTouch"),
        plain_flag("EmailPreferencesStayInTouchReminder"),
        email("SenderEmail", **write),
        text("SenderName", 80, **write),
        long_text("Signature", 1333, **write),
        text("StayInTouchSubject", 80),
        long_text("StayInTouchSignature", 512),
        text("StayInTouchNote", 512),
        phone("Phone", **write),
        phone("Fax", **write),
        phone("MobilePhone", **write),
        text("Alias", 8, nillable=False, **write),
        text("CommunityNickname", 40, label="Nickname", nillable=False, unique=True, **write),
        text("BadgeText", 80, label="User Photo badge text overlay", default="", calculated=True),
    ]


def _status() -> list[FieldDef]:
    write: dict[str, Any] = {"createable": True, "updateable": True}
    return [
        flag("IsActive", label="Active", **write),
        choice("TimeZoneSidKey", TIME_ZONES, nillable=False, restricted=True, **write),
        reference("UserRoleId", "UserRole", label="Role ID", **write),
        choice("LocaleSidKey", LOCALES, nillable=False, restricted=True, **write),
        flag("ReceivesInfoEmails", **write),
        flag("ReceivesAdminInfoEmails", **write),
        choice("EmailEncodingKey", ENCODINGS, nillable=False, restricted=True, **write),
        choice("DefaultCurrencyIsoCode", ("EUR", "USD", "GBP"), permission="MultiCurrency", **write),
        choice("CurrencyIsoCode", ("EUR", "USD", "GBP"), permission="MultiCurrency", **write),
        reference("ProfileId", "Profile", nillable=False, **write),
        choice("UserType", USER_TYPES),
        choice("LanguageLocaleKey", LANGUAGES, nillable=False, restricted=True, **write),
        text("EmployeeNumber", 20, **write),
        reference("DelegatedApproverId", "Group", "User", relationship=None, **write),
        reference("ManagerId", "User", **write),
        moment("LastLoginDate"),
        moment("LastPasswordChangeDate", label="Last Password Change or Reset"),
        *audit(),
        day("PasswordExpirationDate", permission="PasswordExpiration"),
        day("SuAccessExpirationDate", permission="LoginAsGrants"),
        whole("NumberOfFailedLogins", label="Failed Login Attempts", permission="ManageUsers", default=0),
        moment("OfflineTrialExpirationDate"),
        moment("OfflinePdaTrialExpirationDate", label="Sales Anywhere Trial Expiration Date"),
    ]


def _feature_flags() -> list[FieldDef]:
    write: dict[str, Any] = {"createable": True, "updateable": True}
    flags = [
        plain_flag(f"UserPermissions{name}", label=label, permission=f"FeatureLicense.{name}", **write)
        for name, label in FEATURES.items()
    ]
    auto_login = plain_flag("UserPermissionsCallCenterAutoLogin", label="Auto-login To Call Center", **write)
    return [*flags[:2], auto_login, *flags[2:], flag("ForecastEnabled", label="Allow Forecasting", **write)]


def _portal() -> list[FieldDef]:
    write: dict[str, Any] = {"createable": True, "updateable": True}
    site: dict[str, Any] = {"permission": "DigitalExperiences"}
    return [
        reference("ContactId", "Contact", **write),
        reference("AccountId", "Account"),
        flag("IsPortalEnabled", **site, **write),
        flag("IsPrmSuperUser", label="Partner Super User", **site, **write),
        flag("IsPortalSelfRegistered", **site),
        choice("PortalRole", ("Executive", "Manager", "Worker", "PersonAccount"), **site, **write),
        reference("CallCenterId", "CallCenter", relationship=None, **write),
        phone("Extension", **write),
        text(
            "FederationIdentifier", 512, label="SAML Federation ID", unique=True, case_sensitive=True, **write
        ),
        long_text("AboutMe", 1000, **write),
    ]


def _profile_page() -> list[FieldDef]:
    return [
        url("FullPhotoUrl", groupable=False),
        url("SmallPhotoUrl", groupable=False),
        flag("IsExtIndicatorVisible", label="Show external indicator"),
        text("OutOfOfficeMessage", 40, default=""),
        url("MediumPhotoUrl", groupable=False),
        choice("DigestFrequency", DIGESTS, nillable=False, default="D"),
        choice("DefaultGroupNotificationFrequency", GROUP_DIGESTS, nillable=False, default="N"),
        whole("JigsawImportLimitOverride", label="Data.com Monthly Addition Limit"),
        reference("WorkspaceId", "ContentWorkspace", relationship=None),
        *viewed(),
        url("BannerPhotoUrl", groupable=False),
        url("SmallBannerPhotoUrl", groupable=False),
        url("MediumBannerPhotoUrl", groupable=False),
        flag("IsProfilePhotoActive", label="Has Profile Photo"),
        reference("IndividualId", "Individual"),
    ]


USER = ObjectDef(
    "User",
    "User",
    "Users",
    "005",
    (
        *_names(),
        *_contact(),
        *_status(),
        *_feature_flags(),
        *(plain_flag(f"UserPreferences{name}", createable=True, updateable=True) for name in PREFERENCES),
        *_portal(),
        *_profile_page(),
    ),
    replicateable=True,
    createable=True,
    updateable=True,
    searchable=True,
    layoutable=True,
    triggerable=True,
    mru_enabled=True,
    feed_enabled=True,
    child_relationships=(
        ChildRelationship("PermissionSetAssignment", "AssigneeId", "PermissionSetAssignments"),
        ChildRelationship("PermissionSetLicenseAssign", "AssigneeId", "PermissionSetLicenseAssignments"),
        ChildRelationship("UserPackageLicense", "UserId", None),
        ChildRelationship("UserLogin", "UserId", None),
        ChildRelationship("User", "ManagerId", "ManagedUsers"),
        ChildRelationship("Contact", "OwnerId", None),
        ChildRelationship("Account", "OwnerId", None),
    ),
)
