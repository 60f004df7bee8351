"""What the org remembers: logins, set-up changes, sessions, tokens and event logs."""

from __future__ import annotations

from demo_org.schema.notation import (
    amount,
    audit,
    choice,
    created,
    flag,
    identifier,
    long_text,
    make,
    modified,
    moment,
    reference,
    text,
    url,
    whole,
)
from demo_org.schema.objects import ObjectDef

SHOWN_ONLY = {"filterable": False, "groupable": False, "sortable": False}

LOGIN_TYPES = (
    "Application",
    "Remote Access 2.0",
    "Remote Access Client",
    "Partner Product",
    "Other Apex API",
    "SAML Idp Initiated SSO",
    "SAML Sfdc Initiated SSO",
    "Chatter Communities External User",
    "Employee Login to Community",
    "Lightning Login",
    "Customer Service Portal",
    "Partner Portal",
    "AppExchange",
)
LOGIN_SUB_TYPES = (
    "OauthClientCredentials",
    "OauthRefreshToken",
    "OauthUsernamePassword",
    "OauthWebServer",
    "UiPasswordReset",
    "UsernamePasswordUiLogin",
)
TLS = ("TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3", "Unknown")

LOGIN_HISTORY = ObjectDef(
    "LoginHistory",
    "Login History",
    "Login History",
    "0Ya",
    (
        identifier(),
        reference("UserId", "User", relationship=None),
        moment("LoginTime", nillable=False),
        choice("LoginType", LOGIN_TYPES, nillable=False),
        text("SourceIp", 39),
        text("LoginUrl", 255),
        reference("AuthenticationServiceId", "AuthProvider", "SamlSsoConfig", relationship=None),
        reference("LoginGeoId", "LoginGeo", relationship="LoginGeo"),
        choice("TlsProtocol", TLS),
        text("CipherSuite", 64),
        flag("OptionsIsGet", groupable=False),
        flag("OptionsIsPost", groupable=False),
        text("Browser", 64, **SHOWN_ONLY),
        text("Platform", 64, **SHOWN_ONLY),
        text("Status", 128, **{**SHOWN_ONLY, "groupable": True}),
        text("Application", 64, **SHOWN_ONLY),
        text("ClientVersion", 64, **SHOWN_ONLY),
        text("ApiType", 64, **SHOWN_ONLY),
        text("ApiVersion", 32, **SHOWN_ONLY),
        text("CountryIso", 3),
        text("AuthMethodReference", 255),
        choice("LoginSubType", LOGIN_SUB_TYPES),
        reference("NetworkId", "Network", relationship=None, permission="DigitalExperiences"),
    ),
    own_rows_only_without="MonitorLoginHistory|ManageUsers",
)

SETUP_AUDIT_TRAIL = ObjectDef(
    "SetupAuditTrail",
    "Setup Audit Trail Entry",
    "Setup Audit Trail Entries",
    "0Ym",
    (
        identifier(),
        text("Action", 40, nillable=False),
        text("Section", 255, **SHOWN_ONLY),
        *created(),
        text("Display", 1000, **SHOWN_ONLY),
        text("DelegateUser", 255, **SHOWN_ONLY),
        text("ResponsibleNamespacePrefix", 80),
        text("CreatedByContext", 80),
        text("CreatedByIssuer", 80),
    ),
    permission="ViewSetup",
)

OAUTH_TOKEN = ObjectDef(
    "OauthToken",
    "OAuth Token",
    "OAuth Tokens",
    "0CQ",
    (
        identifier(),
        text("AccessToken", 255, **SHOWN_ONLY),
        reference("UserId", "User"),
        text("RequestToken", 255, **SHOWN_ONLY),
        moment("CreatedDate", nillable=False),
        text("AppName", 80),
        moment("LastUsedDate"),
        whole("UseCount"),
        text("DeleteToken", 255, **SHOWN_ONLY),
        reference("AppMenuItemId", "AppMenuItem", relationship=None),
    ),
    own_rows_only_without="ManageUsers",
)

AUTH_SESSION = ObjectDef(
    "AuthSession",
    "Auth Session",
    "Auth Sessions",
    "0Ak",
    (
        identifier(),
        reference("UsersId", "User", relationship="Users"),
        *created(by=False),
        *modified(by=False),
        whole("NumSecondsValid", nillable=False),
        choice(
            "UserType", ("Standard", "Partner", "Customer Portal Manager", "High Volume Portal", "CSN Only")
        ),
        text("SourceIp", 39),
        choice("LoginType", LOGIN_TYPES),
        choice("SessionType", ("UI", "API", "Content", "Visualforce", "Oauth2")),
        choice("SessionSecurityLevel", ("LOW", "STANDARD", "HIGH_ASSURANCE")),
        url("LogoutUrl"),
        reference("ParentId", "AuthSession", relationship=None),
        reference("LoginHistoryId", "LoginHistory"),
        reference("LoginGeoId", "LoginGeo"),
        flag("IsCurrent"),
    ),
    deletable=True,
    own_rows_only_without="ManageUsers",
)

LOGIN_IP = ObjectDef(
    "LoginIp",
    "Login IP",
    "Login IPs",
    "710",
    (
        identifier(),
        reference("UsersId", "User", relationship="Users"),
        text("SourceIp", 39),
        *created(by=False),
        flag("IsAuthenticated"),
        moment("ChallengeSentDate"),
        choice("ChallengeMethod", ("Email", "SMS", "TOTP_CHOICE", "TOTP_ONLY")),
    ),
    deletable=True,
    permission="ManageUsers",
)

EVENT_LOG_FILE = ObjectDef(
    "EventLogFile",
    "Event Log File",
    "Event Log Files",
    "0AT",
    (
        identifier(),
        flag("IsDeleted"),
        *audit(),
        choice(
            "EventType", ("API", "Login", "Logout", "Report", "RestApi", "BulkApi", "URI"), nillable=False
        ),
        moment("LogDate", nillable=False),
        amount("LogFileLength", 18, 0, nillable=False),
        text("LogFileContentType", 120, nillable=False),
        amount("ApiVersion", 18, 1, nillable=False),
        whole("Sequence"),
        choice("Interval", ("Hourly", "Daily")),
        long_text("LogFileFieldNames", 4096),
        long_text("LogFileFieldTypes", 4096),
        make("LogFile", "base64", nillable=False, **SHOWN_ONLY),
    ),
    bulk=False,
    permission="ViewEventLogFiles",
)

HISTORY_OBJECTS: tuple[ObjectDef, ...] = (
    LOGIN_HISTORY,
    SETUP_AUDIT_TRAIL,
    OAUTH_TOKEN,
    AUTH_SESSION,
    LOGIN_IP,
    EVENT_LOG_FILE,
)
