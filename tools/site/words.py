"""What the site says besides the lessons, in both languages."""

WORDS = {
    "en": {
        "title": "Stable Diffusion, one parameter at a time",
        "unnamed_picture": "The picture that the code above makes",
        "download": "Download this lesson and its exercises",
        "run": "as notebooks. They need the installed project: [how to get and install it]({start})",
        "exercise_links": '[The lesson]({lesson}) · <a href="{file}" download>Download both</a>',
        "start": "#start",
        "colab": "Open in Colab",
        "panel_stored": "A picture of the panel in the notebook; a picture cannot be used.",
        "panel_live": "To the panel that works here",
        "live": "Live, in this tab",
        "to_live": "Try it here",
        "live_about": "A panel with the same model, computed by your browser. The first press of a button on this site "
        "downloads up to {megabytes} MB; your browser keeps them, and nothing of yours is sent.",
        "live_button": "Try it here",
        "live_without": "The panel computes in your browser and needs JavaScript, which is turned off.",
        "live_wait": "Loading …",
        "live_failed": "The panel could not be loaded: ",
        "live_file": "This page was opened as a file, and browsers let files load no programs. In the folder of the "
        "site run python -m http.server, then open http://localhost:8000.",
        "lab": "Open the whole lab",
        "lab_short": "Lab",
        "back": "The lessons",
        "other": "日本語",
        "only_start": "This page is there in English only; the link leads to the Japanese start page.",
        "search": "Search …",
        "project_here": "The notebooks and all else are in the project's folder, which is at [{address}]({address}).",
        "project_unknown": "Running the notebooks needs the project's folder. Ask whoever gave you this page for it; "
        "its address on the web is not decided yet. Reading the lessons, and trying their live panels and the lab, "
        "needs only this site.",
    },
    "ja": {
        "title": "Stable Diffusionの引数を1つずつ",
        "unnamed_picture": "上のコードが作る画像",
        "download": "このレッスンと演習をダウンロード",
        "run": "（ノートブック。動かすには、プロジェクトのインストールが要ります。[入手と準備のしかた]({start})）",
        "exercise_links": '[レッスン]({lesson}) · <a href="{file}" download>両方をダウンロード</a>',
        "start": "#始める",
        "colab": "Colabで開く",
        "panel_stored": "ノートブックのパネルを写した画像です。操作はできません。",
        "panel_live": "ここで動くパネルへ",
        "live": "このタブで動かす",
        "to_live": "ここで試す",
        "live_about": "同じモデルを、ブラウザーが計算するパネルです。このサイトで最初にボタンを押すと、"
        "最大{megabytes} MBをダウンロードして、ブラウザーに残します。入力したものは送られません。",
        "live_button": "ここで試す",
        "live_without": "パネルはブラウザーで計算するので、JavaScriptが要ります。今は無効になっています。",
        "live_wait": "読み込み中…",
        "live_failed": "パネルを読み込めませんでした。",
        "live_file": "このページはファイルとして開かれています。ブラウザーは、ファイルからはプログラムを"
        "読み込みません。サイトのフォルダーでpython -m http.server を実行し、http://localhost:8000 を開いてください。",
        "lab": "ラボ全体を開く",
        "lab_short": "ラボ",
        "back": "レッスンへ",
        "other": "English",
        "only_start": "このページは英語版にありません。リンクは英語の最初のページに進みます。",
        "search": "検索…",
        "project_here": "ノートブックを含むプロジェクトのフォルダーは、[{address}]({address})にあります。",
        "project_unknown": "このサイトにあるのは、ノートブックの内容を見せるページです。ノートブックを動かすには、"
        "プロジェクトのフォルダーが要ります。このページを渡した人に尋ねてください。Webでの公開場所は、まだ決まっていません。"
        "レッスンを読み、パネルやラボを動かすだけなら、このサイトだけで足ります。",
    },
}
