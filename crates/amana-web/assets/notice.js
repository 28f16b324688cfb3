// The page behind a notice. What follows # in its address is sent to nobody by itself: this puts it into the page's one
// form, which the reader sends. Where the page is not shown, it says the whole address, for another browser. It fetches
// nothing and keeps nothing.

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

function look() {
  const token = location.hash.slice(1);
  const whole = TOKEN.test(token);
  const form = document.getElementById("open");
  if (form) {
    form.elements.t.value = whole ? token : "";
    form.hidden = !whole;
    document.getElementById("incomplete").hidden = whole;
    // Where the browser has no passkeys there is the bank's login alone, and a sentence that says so.
    const able = "PublicKeyCredential" in window;
    for (const [id, shown] of [["by-passkey", able], ["no-passkeys", !able]]) {
      const part = document.getElementById(id);
      if (part) part.hidden = !shown;
    }
  }
  const address = document.getElementById("address");
  if (address) {
    address.href = location.href;
    address.firstElementChild.textContent = location.href;
  }
  // A redirect keeps what follows #, so the other language opens the same message.
  document.querySelector('form[action^="/lang"]').action = whole ? `/lang#${token}` : "/lang";
}

addEventListener("hashchange", look);
look();
