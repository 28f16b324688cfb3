//! Values as Messenger writes them: ids as strings or numbers, times in seconds or milliseconds (section 1.3).
