"""Notifications: alerts go to mail, chats and telephones through Apprise, to programs through a signed webhook; each once, or pending."""
